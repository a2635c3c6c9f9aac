"""Carry commands to nodes, and nothing more. One protocol (``base``), one module per way of travelling."""
