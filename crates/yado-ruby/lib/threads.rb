# Threads that run to their end where they are started, and what guards them.
class Monitor
  def synchronize = yield
  alias mon_synchronize synchronize
  def enter = nil
  def exit = nil
end

module MonitorMixin
  def mon_initialize = nil
  def mon_enter = nil
  def mon_exit = nil
  def mon_try_enter = true
  def synchronize = yield
  alias mon_synchronize synchronize
end

class Mutex
  def synchronize = yield
  def lock = self
  def unlock = self
  def locked? = false
  def try_lock = true
end

class Thread
  Mutex = ::Mutex
  def self.new(*args) = allocate.tap { |thread| thread.instance_variable_set(:@value, yield(*args)) }
  def self.start(*args, &block) = new(*args, &block)
  def self.current = @current ||= allocate
  def join(*) = self
  attr_reader :value
  def alive? = false
  def status = false
  def [](name) = (@locals ||= {})[name.to_sym]
  def []=(name, value)
    (@locals ||= {})[name.to_sym] = value
  end
  attr_accessor :abort_on_exception, :report_on_exception
end

# A line of a backtrace.
class Thread::Backtrace
  class Location
    def initialize(text) = (@text = text)
    def path = @text[/\A(.*):\d+:in `/m, 1]
    def absolute_path = path.start_with?("(") ? nil : File.expand_path(path)
    def lineno = @text[/:(\d+):in `/, 1].to_i
    def label = @text[/:in `(.*)'\z/m, 1]
    def base_label = label.delete_prefix("block in ")
    def to_s = @text
    def inspect = @text.inspect
  end
end

class Thread::Queue
  def initialize = @items = []
  def push(item) = (@items << item; self)
  alias << push
  def pop(*) = @items.shift
  alias shift pop
  def empty? = @items.empty?
  def size = @items.size
end

Queue = Thread::Queue

module Signal
  def self.trap(*) = nil
  def self.list = { "EXIT" => 0, "HUP" => 1, "INT" => 2, "TERM" => 15 }
end
