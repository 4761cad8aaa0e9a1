$third = "t"
