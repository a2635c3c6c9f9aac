"""``heketi-cli``: the command line client, to the letter of the original (cli.md).

``tree`` is the parser as data, ``parser`` reads command lines by the rules of pflag and cobra, one module per noun
holds the actions. Built on ``client`` only; whatever is slow to import is imported when a command needs it.
"""
