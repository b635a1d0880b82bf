"""`studyhub bench`: how fast a Yjs server is, and what it costs. Every run checks what it counts."""
