"""Databases of Heketi: read from its files, turned into ours and back, and checked (spec db.md).

The document that Heketi's ``db export`` writes is the form in the middle: ``bolt`` and ``gob`` read the original's own
file into it, ``importing`` makes entities of it, ``exporting`` makes it of entities, and ``checking`` looks for what
contradicts itself in it.
"""
