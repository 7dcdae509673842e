"""What reports of models are made of: errors with their pictures, histories, and run folders side by side."""
