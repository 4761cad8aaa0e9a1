# The network as far as it can be answered without opening it, and what else only refuses: Zlib.
require "uri"

class Socket
  AF_UNSPEC = 0
  AF_INET = 2
  AF_INET6 = 10
  SOCK_STREAM = 1
  SOCK_DGRAM = 2
  module Constants
    AF_INET = 2
    AF_INET6 = 10
  end
  def self.gethostname = YadoNative.hostname
  def self.ip_address_list = [Addrinfo.new("127.0.0.1")]
  def self.getifaddrs = []
  def self.tcp(host, port, *) = raise(Errno::ECONNREFUSED, "connect(2) for #{host}:#{port}: the network is not available here")
  def self.getaddrinfo(host, *) = raise(SocketError, "getaddrinfo: the network is not available here")
end

class SocketError < StandardError; end

class Addrinfo
  attr_reader :ip_address
  def initialize(address) = @ip_address = address
  def self.ip(address) = new(address)
  def ipv4? = !ip_address.include?(":")
  def ipv6? = ip_address.include?(":")
  def ipv4_loopback? = ip_address.start_with?("127.")
  def ipv6_loopback? = ip_address == "::1"
  def ipv4_private? = ip_address.match?(/\A(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/)
  def ipv4_multicast? = false
  def ipv6_linklocal? = false
  def ip? = true
end

class TCPSocket
  def self.new(host, port = nil, *)
    YadoNative.connect([host, port].compact.join(":"))
    raise(Errno::ECONNREFUSED, "connect(2) for #{host.inspect} port #{port}: the network is not available here")
  end
  def self.open(*args) = new(*args)
end

class TCPServer < TCPSocket; end
class UDPSocket < TCPSocket; end
class UNIXSocket < TCPSocket; end

module Resolv
  module IPv4
    Regex256 = /0|1(?:[0-9][0-9]?)?|2(?:[0-4][0-9]?|5[0-5]?|[6-9])?|[3-9][0-9]?/x
    Regex = /\A(#{Regex256})\.(#{Regex256})\.(#{Regex256})\.(#{Regex256})\z/
  end
  module IPv6
    Regex = /\A(?:(?:\h{1,4}:){7}\h{1,4}|(?:\h{1,4}(?::\h{1,4})*)?::(?:\h{1,4}(?::\h{1,4})*)?)\z/
  end
  class ResolvError < StandardError; end
  def self.getaddress(name) = name == "localhost" ? "127.0.0.1" : raise(ResolvError, "no address for #{name}")
  def self.getaddresses(name) = name == "localhost" ? ["127.0.0.1"] : []
end

module Net
  class OpenTimeout < StandardError; end
  class HTTP
    class Get
      def initialize(*) = nil
      def []=(*)
      end
    end
    def self.refuse(address)
      YadoNative.connect(address)
      raise(SocketError, "Failed to open TCP connection to #{address} (the network is not available here)")
    end
    def self.get(uri, *) = refuse(uri)
    def self.get_response(uri, *) = refuse(uri)
    def self.post_form(uri, *) = refuse(uri)
    def self.start(host, *) = refuse(host)
    def initialize(host, port = 80) = @host = host
    attr_accessor :use_ssl, :verify_mode, :open_timeout, :read_timeout
    def request(*) = HTTP.refuse(@host)
    def get(*) = HTTP.refuse(@host)
    def start(*) = HTTP.refuse(@host)
  end
end

module OpenURI
  class HTTPError < StandardError; end
end

module Zlib
  class Error < StandardError; end
  class GzipWriter
    def self.open(*) = raise(NotImplementedError, "Zlib is not supported here")
    def self.new(*) = open
  end
  class GzipReader < GzipWriter; end
  class Deflate < GzipWriter; end
  class Inflate < GzipWriter; end
  def self.crc32(text, sum = 0) = text.each_byte.inject(sum ^ 0xffffffff) { |crc, byte| 8.times.inject(crc ^ byte) { |acc, _| acc & 1 == 1 ? (acc >> 1) ^ 0xedb88320 : acc >> 1 } } ^ 0xffffffff
  def self.gzip(*) = GzipWriter.open
end
