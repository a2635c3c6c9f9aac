"""HTTP: the wire of Heketi 10, exactly. The only package that serves it."""
