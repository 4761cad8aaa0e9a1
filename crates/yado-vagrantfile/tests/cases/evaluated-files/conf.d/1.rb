Vagrant.configure(2) { |c| c.vm.provision "shell", inline: "confd1" }
