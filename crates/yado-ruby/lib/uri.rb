# URI: taken apart by one expression.
module URI
  class Error < StandardError; end
  class InvalidURIError < Error; end
  class BadURIError < Error; end
  DEFAULT_PORTS = { "http" => 80, "https" => 443, "ftp" => 21, "ssh" => 22 }.freeze
  PATTERN = %r{\A(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://(?:([^/?#@]*)@)?(\[[^\]]*\]|[^/?#:]*)(?::(\d*))?)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?\z}m

  class Generic
    attr_accessor :scheme, :userinfo, :host, :path, :query, :fragment, :opaque
    attr_writer :port

    def initialize(scheme, userinfo, host, port, path, query, fragment)
      @scheme, @userinfo, @host, @path, @query, @fragment = scheme, userinfo, host, path, query, fragment
      @port = port.to_s.empty? ? nil : port.to_i
    end

    def port = @port || DEFAULT_PORTS[@scheme]
    def default_port = DEFAULT_PORTS[@scheme]
    def user = @userinfo&.split(":", 2)&.first
    def password = @userinfo&.split(":", 2)&.at(1)
    def hostname = @host&.delete_prefix("[")&.delete_suffix("]")
    def request_uri = (@path.empty? ? "/" : @path) + (@query ? "?#{@query}" : "")
    def absolute? = !@scheme.nil?
    def relative? = @scheme.nil?
    def to_s
      text = +""
      text << "#{@scheme}:" if @scheme
      if @host
        text << "//" << (@userinfo ? "#{@userinfo}@" : "") << @host
        text << ":#{@port}" if @port && @port != DEFAULT_PORTS[@scheme]
      end
      text << @path
      text << "?#{@query}" if @query
      text << "##{@fragment}" if @fragment
      text
    end
    def inspect = "#<#{self.class} #{self}>"
    def ==(other) = other.is_a?(Generic) && to_s == other.to_s
    def merge(other) = URI.join(to_s, other.to_s)
    alias + merge
    def read(*) = Net::HTTP.refuse("#{host}:#{port}")
    alias open read
  end
  class HTTP < Generic; end
  class HTTPS < HTTP; end
  class FTP < Generic; end
  class MailTo < Generic; end
  class File < Generic; end
  CLASSES = { "http" => HTTP, "https" => HTTPS, "ftp" => FTP, "file" => File, "mailto" => MailTo }.freeze

  def self.parse(text)
    text = text.to_s
    raise InvalidURIError, "bad URI(is not URI?): #{text.inspect}" if text.match?(/[\s<>"{}|\\^`]/)
    parts = PATTERN.match(text) or raise InvalidURIError, "bad URI(is not URI?): #{text.inspect}"
    scheme = parts[1]&.downcase
    (CLASSES[scheme] || Generic).new(scheme, parts[2], parts[3], parts[4], parts[5], parts[6], parts[7])
  end

  def self.join(base, *others)
    others.inject(parse(base)) do |uri, other|
      other = parse(other)
      next other if other.scheme
      made = uri.dup
      made.path = other.path.start_with?("/") ? other.path : ::File.expand_path(other.path, uri.path.end_with?("/") ? uri.path : ::File.dirname("/#{uri.path.delete_prefix("/")}"))
      made.query = other.query
      made
    end
  end

  def self.regexp(*) = %r{[A-Za-z][A-Za-z0-9+.-]*://[^\s<>"]+}
  def self.extract(text, *) = text.scan(regexp)
  def self.encode_www_form_component(text) = text.to_s.gsub(/[^a-zA-Z0-9*\-._ ]/) { |letter| letter.bytes.map { |byte| format("%%%02X", byte) }.join }.tr(" ", "+")
  def self.decode_www_form_component(text) = text.tr("+", " ").gsub(/((?:%\h\h)+)/) { [$1.delete("%")].pack("H*").force_encoding("UTF-8") }
  def self.encode_www_form(pairs) = pairs.map { |key, value| "#{encode_www_form_component(key)}=#{encode_www_form_component(value)}" }.join("&")
  def self.decode_www_form(text) = text.split("&").map { |pair| pair.split("=", 2).map { |part| decode_www_form_component(part) } }
  def self.open(address, *) = parse(address).read
end

module Kernel
  def URI(text) = URI.parse(text)
end
