# OpenStruct: an object with whatever attributes are assigned.
class OpenStruct
  def initialize(hash = nil)
    @table = {}
    hash&.each { |key, value| @table[key.to_sym] = value }
  end

  def initialize_copy(other)
    @table = other.to_h
  end

  def [](name) = @table[name.to_sym]
  def []=(name, value)
    raise FrozenError, "can't modify frozen OpenStruct" if frozen?
    @table[name.to_sym] = value
  end
  def to_h(&block) = block ? @table.to_h(&block) : @table.dup
  def each_pair(&block) = block ? (@table.each(&block); self) : @table.each
  def dig(name, *rest) = @table.dig(name.to_sym, *rest)
  def delete_field(name) = @table.delete(name.to_sym)
  def respond_to_missing?(name, all = false) = @table.key?(name.to_s.chomp("=").to_sym) || super
  def ==(other) = other.is_a?(OpenStruct) && to_h == other.to_h
  def hash = @table.hash

  def method_missing(name, *args)
    text = name.to_s
    return self[text.chomp("=")] = args.first if text.end_with?("=")
    return @table[name] if args.empty?
    super
  end

  def inspect = "#<#{self.class}#{@table.map { |key, value| " #{key}=#{value.inspect}" }.join(",")}>"
  alias to_s inspect
end
