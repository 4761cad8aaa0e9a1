def inc2; "inc2"; end
