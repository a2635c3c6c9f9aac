"""Typed client of the server: signs requests, waits for jobs, retries when the server is busy (clients.md).

The only package that speaks HTTP on the client side. It decides nothing and prints nothing.
"""
