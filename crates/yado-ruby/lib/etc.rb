# Etc and RbConfig: what is known about this machine and this Ruby.
module Etc
  module_function

  def getlogin = ENV["USER"] || "root"
  def nprocessors = YadoNative.processors
  def uname = YadoNative.uname
  def systmpdir = "/tmp"
  def sysconfdir = "/etc"
  Passwd = Struct.new(:name, :passwd, :uid, :gid, :gecos, :dir, :shell)
  Group = Struct.new(:name, :passwd, :gid, :mem)
  def users = File.readlines("/etc/passwd", chomp: true).map { |line| line.split(":") }.map { |name, pass, uid, gid, gecos, dir, shell| Passwd.new(name, pass, uid.to_i, gid.to_i, gecos, dir, shell) }
  def groups = File.readlines("/etc/group", chomp: true).map { |line| line.split(":") }.map { |name, pass, gid, members| Group.new(name, pass, gid.to_i, members.to_s.split(",")) }
  def getpwuid(uid = Process.uid) = users.find { |user| user.uid == uid }
  def getpwnam(name) = users.find { |user| user.name == name } || raise(ArgumentError, "can't find user for #{name}")
  def getgrgid(gid = Process.gid) = groups.find { |group| group.gid == gid }
  def getgrnam(name) = groups.find { |group| group.name == name } || raise(ArgumentError, "can't find group for #{name}")
end

module RbConfig
  CONFIG = {
    "host_os" => "linux-gnu", "target_os" => "linux-gnu", "arch" => RUBY_PLATFORM, "host_cpu" => RUBY_PLATFORM[/\A[^-]+/],
    "target_cpu" => RUBY_PLATFORM[/\A[^-]+/], "build_os" => "linux-gnu", "host" => "#{RUBY_PLATFORM}-gnu", "ruby_version" => "3.1.0",
    "MAJOR" => "3", "MINOR" => "1", "TEENY" => "7", "RUBY_PROGRAM_VERSION" => RUBY_VERSION, "bindir" => "/usr/bin",
    "ruby_install_name" => "ruby", "RUBY_INSTALL_NAME" => "ruby", "EXEEXT" => "", "prefix" => "/usr", "PATH_SEPARATOR" => ":",
  }
  def self.ruby = "/usr/bin/ruby"
  def self.expand(text, *) = text
end
