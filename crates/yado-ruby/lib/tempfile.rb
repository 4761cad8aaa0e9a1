# Tempfile and temporary directories.
class Tempfile < File
  def self.new(name = "", dir = "/tmp", **) = open_at(File.join(dir || "/tmp", "#{Array(name).first}#{SecureRandom.hex(8)}#{Array(name)[1]}"))
  def self.open_at(path) = File.open(path, "w+")
  def self.create(*args) = block_given? ? yield(new(*args)) : new(*args)
  def self.open(*args) = block_given? ? yield(new(*args)) : new(*args)
end

class File
  def unlink(*) = File.delete(path)
  def delete = File.delete(path)
  def close! = (close; File.delete(path))
end

class Dir
  def self.tmpdir = ENV["TMPDIR"] || "/tmp"
  def self.mktmpdir(prefix = "d", *)
    path = File.join(tmpdir, "#{prefix}#{SecureRandom.hex(6)}")
    FileUtils.mkdir_p(path)
    return path unless block_given?
    begin
      yield path
    ensure
      FileUtils.rm_rf(path)
    end
  end
end
