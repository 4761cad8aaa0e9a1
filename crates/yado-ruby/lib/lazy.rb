# Enumerator::Lazy: each step wraps the one before it, and nothing runs until elements are asked for.
class Enumerator
  class Lazy < Enumerator
    def self.new(source, &step)
      made = allocate
      made.send(:begin_with, source, step)
      made
    end

    def each(&block)
      return self unless block
      step = @step
      if step
        out = Yielder.over(block)
        @source.each { |*values| step.call(out, *values) }
      else
        @source.each(&block)
      end
      self
    end

    def map(&block) = then_each { |out, value| out << block.call(value) }
    def select(&block) = then_each { |out, value| out << value if block.call(value) }
    def reject(&block) = then_each { |out, value| out << value unless block.call(value) }
    def filter_map(&block) = then_each { |out, value| (made = block.call(value)) && out << made }
    def flat_map(&block) = then_each { |out, value| Array(block.call(value)).each { |item| out << item } }
    def take_while(&block) = stopping { |out, value, stop| block.call(value) ? out << value : stop.call }
    def with_index(start = 0, &block)
      index = start - 1
      then_each { |out, value| index += 1; out << (block ? block.call(value, index) : [value, index]) }
    end

    def drop(count)
      left = count
      then_each { |out, value| left > 0 ? left -= 1 : out << value }
    end

    def drop_while(&block)
      dropping = true
      then_each { |out, value| out << value unless dropping &&= block.call(value) }
    end

    def uniq
      seen = {}
      then_each { |out, value| seen.key?(value) ? nil : (seen[value] = true; out << value) }
    end

    def take(count)
      source = self
      Lazy.new(Enumerator.new { |out| taken = 0; source.each { |value| out << value; break if (taken += 1) >= count } if count > 0 })
    end

    def first(count = nil)
      return take(count).to_a if count
      each { |value| return value }
      nil
    end

    def to_a
      found = []
      each { |value| found << value }
      found
    end

    alias collect map
    alias filter select
    alias force to_a
    alias each_with_index with_index
    alias collect_concat flat_map
    def lazy = self
    def eager = to_a
    def size = nil
    def inspect = "#<Enumerator::Lazy: #{@source.inspect}>"

    private

    def begin_with(source, step)
      @source = source
      @step = step
    end

    def then_each(&step) = Lazy.new(self, &step)

    def stopping(&step)
      source = self
      Lazy.new(Enumerator.new { |out| source.each { |value| stopped = false; step.call(out, value, -> { stopped = true }); break if stopped } })
    end
  end
end
