"""Making operations happen, and surviving crashes."""
