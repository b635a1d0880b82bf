"""Who wrote and who deleted each range of a document, derived from its log. No web framework."""
