"""Changes as alerts: ids that stay, what became of them, whose land they lie on."""
