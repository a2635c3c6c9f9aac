"""pyheketi: GlusterFS volumes on demand."""

__version__ = "10.5.0"
