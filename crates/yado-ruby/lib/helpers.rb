# Functions that libraries add to every object.
module PP
  def self.pp(object, out = $stdout, *) = out << object.inspect << "\n"
end

module MakeMakefile
  def find_executable(name, path = ENV["PATH"]) = path.split(":").map { |folder| File.join(folder, name) }.find { |file| File.file?(file) && File.executable?(file) }
end

module Kernel
  def pp(*objects)
    objects.each { |object| puts object.inspect }
    objects.size > 1 ? objects : objects.first
  end
  def find_executable(name, path = ENV["PATH"]) = path.split(":").map { |folder| File.join(folder, name) }.find { |file| File.file?(file) && File.executable?(file) }
end
