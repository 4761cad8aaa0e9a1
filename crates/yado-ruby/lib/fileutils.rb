# FileUtils: changes of the file system, each asked of the host, which may refuse.
module FileUtils
  module_function

  def list(paths) = [paths].flatten.map { |path| path.respond_to?(:to_path) ? path.to_path : path }
  def mkdir_p(paths, **) = list(paths).each { |path| File.directory?(path) || YadoNative.change("mkdir_p", path) }
  def mkdir(paths, **) = list(paths).each { |path| Dir.mkdir(path) }
  def rm(paths, **) = list(paths).each { |path| File.delete(path) }
  def rm_f(paths, **) = list(paths).each { |path| File.delete(path) if File.exist?(path) || File.symlink?(path) }
  def rm_r(paths, **) = list(paths).each { |path| YadoNative.change("rm_r", path) }
  def rm_rf(paths, **) = list(paths).each { |path| YadoNative.change("rm_r", path) if File.exist?(path) || File.symlink?(path) }
  def rmdir(paths, **) = list(paths).each { |path| Dir.rmdir(path) }
  def target(from, to) = File.directory?(to) ? File.join(to, File.basename(from)) : to
  def cp(from, to, **) = list(from).each { |path| YadoNative.change("cp", path, target(path, to)) }
  def mv(from, to, **) = list(from).each { |path| YadoNative.change("mv", path, target(path, to)) }
  def touch(paths, **) = list(paths).each { |path| YadoNative.change("append", path) }
  def chmod(mode, paths, **) = list(paths).each { |path| File.chmod(mode, path) }
  def chmod_R(mode, paths, **) = chmod(mode, paths)
  def chown(*, **) = nil
  def chown_R(*, **) = nil
  def ln_s(from, to, **) = File.symlink(from, target(from, to))
  def ln_sf(from, to, **) = (rm_f(to); ln_s(from, to))
  def pwd = Dir.pwd
  def cd(path, **, &block) = Dir.chdir(path, &block)
  def compare_file(one, other) = File.binread(one) == File.binread(other)
  def cp_r(from, to, **)
    list(from).each do |path|
      place = target(path, to)
      if File.directory?(path)
        mkdir_p(place)
        Dir.children(path).each { |name| cp_r(File.join(path, name), File.join(place, name)) }
      else
        YadoNative.change("cp", path, place)
      end
    end
  end
  def remove_entry(path, *) = rm_r(path)
  def remove_dir(path, *) = rm_r(path)

  class << self
    alias makedirs mkdir_p
    alias mkpath mkdir_p
    alias copy cp
    alias move mv
    alias remove rm
    alias rmtree rm_rf
    alias chdir cd
    alias symlink ln_s
    alias identical? compare_file
    alias install cp
  end
end
