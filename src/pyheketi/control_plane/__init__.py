"""The application: takes wishes, owns the ledger and the jobs, and knows nothing of HTTP."""
