"""The durable topology and operations. Only this package knows databases."""
