incvar = "incvar"
incvar2 = 1
def incvar; "incm"; end
