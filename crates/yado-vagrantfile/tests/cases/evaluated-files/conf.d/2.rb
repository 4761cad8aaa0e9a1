Vagrant.configure(2) { |c| c.ssh.username = "confd2" }
