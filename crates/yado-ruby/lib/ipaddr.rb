# IPAddr: an address with a mask.
class IPAddr
  include Comparable
  class Error < ArgumentError; end
  class InvalidAddressError < Error; end
  class AddressFamilyError < Error; end
  class InvalidPrefixError < InvalidAddressError; end
  IN4MASK = 0xffffffff

  def initialize(address = "::", family = nil)
    if address.is_a?(Integer)
      raise AddressFamilyError, "address family must be specified" unless family
      @six = family == 10
      @addr = address
      masked(bits)
      return
    end
    text, prefix = address.to_s.strip.split("/", 2)
    raise InvalidAddressError, "invalid address: #{address}" if text.nil? || text.empty?
    text = text.delete_prefix("[").delete_suffix("]")
    @six = text.include?(":")
    @addr = @six ? IPAddr.six(text, address) : IPAddr.four(text, address)
    masked(bits)
    keep(prefix, address) if prefix
  end

  def self.four(text, shown = text)
    parts = text.split(".", -1)
    good = parts.size == 4 && parts.all? { |part| part.match?(/\A\d{1,3}\z/) && part.to_i < 256 }
    raise InvalidAddressError, "invalid address: #{shown}" unless good
    raise InvalidAddressError, "zero-filled number in IPv4 address is ambiguous: #{shown}" if parts.any? { |part| part.size > 1 && part.start_with?("0") }
    parts.inject(0) { |sum, part| sum * 256 + part.to_i }
  end

  def self.six(text, shown = text)
    text = text.sub(/%.*/, "")
    if text =~ /\A(.*:)(\d+\.\d+\.\d+\.\d+)\z/
      head, tail = $1, four($2)
      text = format("%s%x:%x", head, tail >> 16, tail & 0xffff)
    end
    left, right = text.split("::", 2)
    left = left.to_s.split(":", -1)
    rest = right.to_s.split(":", -1)
    groups = text.include?("::") ? left + ["0"] * (8 - left.size - rest.size) + rest : left
    raise InvalidAddressError, "invalid address: #{shown}" unless groups.size == 8 && groups.all? { |group| group.match?(/\A\h{1,4}\z/) }
    high, low = groups.first(4), groups.last(4)
    (IPAddr.join(high) << 64) | IPAddr.join(low)
  end

  def self.join(groups) = groups.inject(0) { |sum, group| (sum << 16) | group.hex }
  def self.new_ntoh(bytes) = new(bytes.bytes.join("."))

  def bits = @six ? 128 : 32
  def family = @six ? 10 : 2
  def ipv4? = !@six
  def ipv6? = @six
  def to_i = @addr
  attr_reader :prefix

  def to_s
    return [24, 16, 8, 0].map { |shift| (@addr >> shift) & 255 }.join(".") unless @six
    text = groups.map { |group| group.to_s(16) }.join(":")
    runs = text.scan(/(?:\A|:)0(?::0)+(?:\z|:)/)
    longest = runs.max_by(&:size)
    longest ? text.sub(longest, "::") : text
  end

  def to_string = @six ? groups.map { |group| format("%04x", group) }.join(":") : to_s
  def groups = [112, 96, 80, 64, 48, 32, 16, 0].map { |shift| (@addr >> shift) & 0xffff }
  def mask(prefix) = dup.tap { |copy| copy.send(:keep, prefix, to_s) }
  def netmask = IPAddr.new(mask_number, family).to_s
  def succ = IPAddr.new(@addr + 1, family)
  def +(by) = IPAddr.new(@addr + by, family)
  def -(by) = IPAddr.new(@addr - by, family)
  def |(other) = with(@addr | number_of(other))
  def &(other) = with(@addr & number_of(other))
  def ~ = with(@addr ^ all_bits)
  def <<(by) = with((@addr << by) & all_bits)
  def >>(by) = with(@addr >> by)
  def <=>(other) = (other = IPAddr.new(other) if other.is_a?(String)) || true ? (other.is_a?(IPAddr) && other.family == family ? @addr <=> other.to_i : nil) : nil
  def ==(other)
    other = IPAddr.new(other) if other.is_a?(String)
    other.is_a?(IPAddr) && family == other.family && @addr == other.to_i
  rescue Error
    false
  end
  def eql?(other) = other.is_a?(IPAddr) && self == other
  def hash = @addr.hash
  def include?(other)
    other = IPAddr.new(other) unless other.is_a?(IPAddr)
    other.family == family && (other.to_i & mask_number) == (@addr & mask_number) && other.prefix >= @prefix
  end
  alias === include?
  def to_range = IPAddr.new(@addr & mask_number, family)..IPAddr.new((@addr & mask_number) | (all_bits ^ mask_number), family)
  def loopback? = @six ? @addr == 1 : (@addr >> 24) == 127
  def private? = @six ? (@addr >> 121) == 0x7e : [["10.0.0.0", 8], ["172.16.0.0", 12], ["192.168.0.0", 16]].any? { |net, size| IPAddr.new("#{net}/#{size}").include?(self) }
  def link_local? = @six ? (@addr >> 118) == 0x3fa : (@addr >> 16) == 0xa9fe
  def reverse = to_s.split(".").reverse.join(".") + ".in-addr.arpa"
  def ipv4_mapped = IPAddr.new(@addr | 0xffff00000000, 10)
  def hton = to_s.split(".").map(&:to_i).pack("C4")
  def inspect = "#<IPAddr: #{@six ? "IPv6" : "IPv4"}:#{to_string}/#{IPAddr.new(mask_number, family).to_string}>"

  private

  def all_bits = @six ? ((0xffffffffffffffff << 63) << 1 | 0xffffffffffffffff) : IN4MASK
  # The names of its variables are Ruby's, since Vagrantfiles look into them for a network's broadcast address.
  def masked(size)
    @family = family
    @prefix = size
    @mask_addr = size.zero? ? 0 : all_bits ^ ((1 << (bits - size)) - 1)
  end

  def mask_number = @mask_addr
  def with(number) = dup.tap { |copy| copy.instance_variable_set(:@addr, number) }
  def number_of(other) = other.is_a?(Integer) ? other : (other.is_a?(IPAddr) ? other : IPAddr.new(other)).to_i

  def keep(prefix, shown)
    if prefix.to_s.match?(/\A\d+\z/)
      size = prefix.to_i
      raise InvalidPrefixError, "invalid length: #{shown}" if size > bits
    else
      number = IPAddr.new(prefix.to_s).to_i
      size = number.to_s(2).count("1")
    end
    masked(size)
    @addr &= @mask_addr
  end
end
