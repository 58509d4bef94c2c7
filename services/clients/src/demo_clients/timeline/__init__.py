"""What went over the wire for one visitor: recorded masked, explained, drawn and exported."""
