# Set: the keys of a hash.
class Set
  include Enumerable

  def self.[](*items) = new(items)

  def initialize(items = nil, &block)
    @hash = {}
    unless items.nil? || items.respond_to?(:each)
      raise ArgumentError, "value must be enumerable"
    end
    items&.each { |item| add(block ? block.call(item) : item) }
  end

  def initialize_copy(other)
    @hash = other.instance_variable_get(:@hash).dup
  end

  def each(&block)
    return to_enum(:each) unless block
    @hash.each_key(&block)
    self
  end

  def add(item)
    raise FrozenError, "can't modify frozen Set: #{inspect}" if frozen?
    @hash[item] = true
    self
  end
  alias << add

  def add?(item) = include?(item) ? nil : add(item)
  def delete?(item) = include?(item) ? delete(item) : nil
  def include?(item) = @hash.key?(item)
  alias member? include?
  alias === include?
  alias contain? include?

  def delete(item)
    @hash.delete(item)
    self
  end

  def size = @hash.size
  alias length size
  alias count size
  def count(*args, &block) = args.empty? && !block ? size : super
  def empty? = @hash.empty?
  def to_a = @hash.keys
  def to_set = self
  def first(*args) = to_a.first(*args)
  def clear = (@hash.clear; self)
  def merge(*others) = (others.each { |other| other.each { |item| add(item) } }; self)
  def subtract(other) = (other.each { |item| delete(item) }; self)
  def |(other) = dup.merge(other)
  alias union |
  alias + |
  def -(other) = dup.subtract(other)
  alias difference -
  def &(other) = Set.new(other.select { |item| include?(item) })
  alias intersection &
  def ^(other) = (Set.new(other) - self) | (self - other)
  def subset?(other) = all? { |item| other.include?(item) }
  alias <= subset?
  def superset?(other) = other.all? { |item| include?(item) }
  alias >= superset?
  def proper_subset?(other) = size < other.size && subset?(other)
  alias < proper_subset?
  def proper_superset?(other) = size > other.size && superset?(other)
  alias > proper_superset?
  def disjoint?(other) = none? { |item| other.include?(item) }
  def intersect?(other) = !disjoint?(other)
  def ==(other) = other.is_a?(Set) && size == other.size && subset?(other)
  alias eql? ==
  def hash = to_a.map(&:hash).sort.hash
  def map!(&block) = replace(map(&block))
  def select!(&block) = replace(select(&block))
  def replace(items) = (clear; merge(items))
  def delete_if = (to_a.each { |item| delete(item) if yield item }; self)
  def keep_if = (to_a.each { |item| delete(item) unless yield item }; self)
  alias filter! select!
  def reject!(&block) = replace(to_a.reject(&block))
  def partition(&block) = to_a.partition(&block)
  def group_by(&block) = to_a.group_by(&block)
  def join(separator = nil) = to_a.join(separator)
  def flatten = Set.new(to_a.flat_map { |item| item.is_a?(Set) ? item.flatten.to_a : [item] })
  def freeze = (@hash.freeze; super)
  def inspect = "#<Set: {#{to_a.map(&:inspect).join(", ")}}>"
  alias to_s inspect
end
