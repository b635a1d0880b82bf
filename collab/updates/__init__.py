"""Yjs updates (V1) as bytes: structural validation, causal gate, split. Pure; stands before pycrdt."""
