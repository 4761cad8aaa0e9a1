# CSV: reading and writing lines of comma-separated values.
class CSV
  class MalformedCSVError < RuntimeError; end

  class Row
    include Enumerable
    attr_reader :headers, :fields
    def initialize(headers, fields) = (@headers, @fields = headers, fields)
    def [](key) = key.is_a?(Integer) ? @fields[key] : (index = @headers.index(key)) && @fields[index]
    def to_h = @headers.zip(@fields).to_h
    alias to_hash to_h
    def each(&block) = @headers.zip(@fields).each(&block)
    def to_s = CSV.generate_line(@fields)
    def fetch(key, *rest) = to_h.fetch(key, *rest)
  end

  # The rows of a text with headers; a column by its name.
  class Table < Array
    def [](key, *rest) = key.is_a?(String) || key.is_a?(Symbol) ? map { |row| row[key] } : super
    def headers = first ? first.headers : []
    def inspect = "#<CSV::Table mode:col_or_row row_count:#{size + 1}>"
  end

  def self.parse_line(line, col_sep: ",", **) = parse(line, col_sep: col_sep).first

  def self.parse(text, headers: false, col_sep: ",", header_converters: nil, **)
    rows = []
    row = []
    field = nil
    quoted = false
    letters = text.each_char.to_a
    at = 0
    while at < letters.size
      letter = letters[at]
      if quoted
        if letter == '"' && letters[at + 1] == '"'
          field << '"'
          at += 1
        elsif letter == '"'
          quoted = false
        else
          field << letter
        end
      elsif letter == '"'
        quoted = true
        field = +""
      elsif letter == col_sep
        row << field
        field = nil
      elsif letter == "\n" || letter == "\r"
        unless row.empty? && field.nil?
          rows << (row << field)
          row, field = [], nil
        end
        field = nil
      else
        (field ||= +"") << letter
      end
      at += 1
    end
    raise MalformedCSVError, "Unclosed quoted field in line #{rows.size + 1}." if quoted
    rows << (row << field) unless row.empty? && field.nil?
    return rows unless headers
    names = headers == true ? rows.shift : Array(headers)
    names = names.map { |name| name.downcase.gsub(/\W+/, "_").to_sym } if header_converters == :symbol
    Table.new(rows.map { |fields| Row.new(names, fields) })
  end

  def self.read(path, **options) = parse(File.read(path), **options)
  def self.foreach(path, **options, &block) = read(path, **options).each(&block)
  def self.table(path) = read(path, headers: true, header_converters: :symbol)
  def self.generate_line(fields, **) = fields.map { |field| field.to_s.match?(/[",\n]/) ? "\"#{field.to_s.gsub('"', '""')}\"" : field.to_s }.join(",") + "\n"
  def self.generate(text = +"", **)
    lines = []
    yield lines
    lines.each { |fields| text << generate_line(fields) }
    text
  end
end

class String
  def parse_csv(**options) = CSV.parse_line(self, **options)
end

class Array
  def to_csv(**) = CSV.generate_line(self)
end
