"""JSON exactly as on the wire, shared by server and client (rest-api.md §1.3 to 1.5, §6, §7).

Models, their bytes and the validation of requests, as pure functions. Knows nothing of the domain: ``api.mapping``
joins the two.
"""
