# Pathname: a path as an object; the file system is asked through File and Dir.
class Pathname
  include Comparable

  def initialize(path)
    path = path.to_path if path.respond_to?(:to_path)
    raise TypeError, "no implicit conversion of #{path.nil? ? "nil" : path.class} into String" unless path.is_a?(String)
    @path = path.dup
  end

  def self.pwd = new(Dir.pwd)
  def self.getwd = pwd
  def self.glob(*args) = Dir.glob(*args).map { |path| new(path) }

  def to_s = @path.dup
  alias to_path to_s
  alias to_str to_s
  def inspect = "#<Pathname:#{@path}>"
  def ==(other) = other.is_a?(Pathname) && to_s == other.to_s
  alias eql? ==
  def hash = @path.hash
  def <=>(other) = other.is_a?(Pathname) ? to_s <=> other.to_s : nil

  def +(other)
    other = other.to_s
    return Pathname.new(other) if other.start_with?("/")
    parts = @path
    while other == ".." || other.start_with?("../")
      break if parts == "." || parts.empty? || File.basename(parts) == ".."
      parts = File.dirname(parts)
      other = other.sub(/\A\.\.\/?/, "")
    end
    return Pathname.new(parts) if other.empty? || other == "."
    Pathname.new(parts == "." ? other : File.join(parts, other))
  end
  alias / +

  def join(*others) = others.inject(self) { |path, other| path + other }
  def parent = self + ".."
  def dirname = Pathname.new(File.dirname(@path))
  def basename(*args) = Pathname.new(File.basename(@path, *args))
  def extname = File.extname(@path)
  def expand_path(*args) = Pathname.new(File.expand_path(@path, *args))
  def realpath(*args) = Pathname.new(File.realpath(@path, *args))
  def cleanpath
    clean = File.expand_path(@path, "/")
    return Pathname.new(clean) if absolute?
    ups = 0
    parts = []
    @path.split("/").each { |part| next if part.empty? || part == "."; part == ".." ? (parts.empty? ? ups += 1 : parts.pop) : parts << part }
    all = [".."] * ups + parts
    Pathname.new(all.empty? ? "." : all.join("/"))
  end
  def absolute? = @path.start_with?("/")
  def relative? = !absolute?
  def root? = @path.match?(%r{\A/+\z})
  def sub(*args, &block) = Pathname.new(block ? @path.sub(*args, &block) : @path.sub(*args))
  def sub_ext(extension) = Pathname.new(@path.delete_suffix(extname) + extension)
  def each_filename(&block) = @path.split("/").reject(&:empty?).each(&block)
  def children(with_directory = true) = Dir.children(@path).map { |name| with_directory ? self + name : Pathname.new(name) }
  def each_child(&block) = children.each(&block)
  def entries = Dir.entries(@path).map { |name| Pathname.new(name) }
  def glob(pattern, *args) = Dir.glob(File.join(@path, pattern), *args).map { |path| Pathname.new(path) }
  def relative_path_from(base)
    from = Pathname.new(base.to_s).cleanpath.to_s.split("/").reject { |part| part == "." }
    to = cleanpath.to_s.split("/").reject { |part| part == "." }
    while from.first && from.first == to.first
      from.shift
      to.shift
    end
    all = [".."] * from.size + to
    Pathname.new(all.empty? ? "." : all.join("/"))
  end
  def descend(&block)
    return enum_for(:descend) unless block
    ascend.to_a.reverse.each(&block)
    nil
  end

  def ascend
    return enum_for(:ascend) unless block_given?
    path = self
    loop do
      yield path
      up = path.dirname
      break if up == path
      path = up
    end
  end

  %i[exist? file? directory? readable? writable? executable? size mtime ctime stat symlink? zero? empty? readlink
     delete unlink ftype].each do |name|
    define_method(name) { File.send(name, @path) }
  end
  %i[read binread readlines write binwrite open].each do |name|
    define_method(name) { |*args, **options, &block| File.send(name, @path, *args, **options, &block) }
  end
  def each_line(&block) = File.foreach(@path, &block)
  def mkpath(**) = FileUtils.mkdir_p(@path)
  def mkdir(*args) = Dir.mkdir(@path, *args)
  def rmtree = FileUtils.rm_rf(@path)
  def chmod(mode) = File.chmod(mode, @path)
  def fnmatch?(pattern, *args) = File.fnmatch?(pattern, @path, *args)
end

module Kernel
  def Pathname(path) = Pathname.new(path)
end
