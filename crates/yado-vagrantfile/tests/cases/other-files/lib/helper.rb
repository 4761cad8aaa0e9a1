module Helper; def self.two; 2; end; end
