"""Request + topology -> plan. One module per use case, with what its end changes. Pure."""
