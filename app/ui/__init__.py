"""The face shared by every page: base layout, macros, navigation, formatters. It knows no feature."""
