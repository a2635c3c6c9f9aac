"""What an operation is: steps, plans, states and records, as values. What they do stands in ``engine``."""
