"""What the server is told: heketi.json, the environment, the command line. A leaf: it knows nothing of the rest."""
