"""What the database, gluster and Kubernetes have, side by side: ``heketi-cli server state compare`` (tools.md §1)."""
