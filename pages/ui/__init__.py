"""What the pages share: the frame, reads, charts, text and forms."""
