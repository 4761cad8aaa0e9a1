require_relative './b'
def from_a; "a"; end
