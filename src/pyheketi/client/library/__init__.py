"""The clients to import, with the names of Heketi's official one (clients.md §6)."""
