Vagrant.configure("2") { |c| c.vm.boot_timeout = 7; c.vm.define "early" }
