"""A picture of a finished model, rendered by Filament in a process of its own."""
