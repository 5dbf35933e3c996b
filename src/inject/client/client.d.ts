// The types of what tidings adds to a page.
