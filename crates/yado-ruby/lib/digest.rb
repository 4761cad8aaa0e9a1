# Digest: what hashes answer, on digests made by Rust.
module Digest
  class Base
    def self.algorithm = name.split("::").last
    def self.digest(text) = YadoNative.digest(algorithm, text)
    def self.hexdigest(text) = YadoNative.hex(digest(text))
    def self.base64digest(text) = YadoNative.encode64(digest(text))
    def self.file(path) = new.update(File.binread(path))
    def initialize(*) = @text = +""
    def update(text) = (@text << text; self)
    alias << update
    def digest(text = @text) = self.class.digest(text)
    def hexdigest(text = @text) = self.class.hexdigest(text)
    def base64digest = self.class.base64digest(@text)
    def file(path) = update(File.binread(path))
    def reset = (@text = +""; self)
    alias to_s hexdigest
    def ==(other) = to_s == other.to_s
  end
  class MD5 < Base; end
  class SHA1 < Base; end
  class SHA256 < Base; end
  class SHA384 < Base; end
  class SHA512 < Base; end
  class SHA2 < Base
    def self.algorithm = "SHA256"
  end
end
