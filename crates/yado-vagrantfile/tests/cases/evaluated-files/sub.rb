$sub = "sub#{File.basename(__FILE__)}"
