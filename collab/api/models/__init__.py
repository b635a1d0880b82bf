"""Bodies and answers of the API that are more than their route's own."""
