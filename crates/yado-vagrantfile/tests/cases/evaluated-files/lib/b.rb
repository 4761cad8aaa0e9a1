module A; module B; C = 5; end; end
