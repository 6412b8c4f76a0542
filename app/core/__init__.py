"""The ground floor: mechanisms that every feature stands on. It knows no feature."""
