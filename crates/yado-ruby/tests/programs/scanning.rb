# StringScanner, and small parts of the library that programs use in passing.
require 'strscan'
require 'delegate'
require 'cgi'
require 'find'

s = StringScanner.new("key = 'värde' # rest\nnext")
p s.scan(/\w+/), s.pos, s.scan(/=/), s.skip(/\s*/), s.check(/=/), s.getch, s.matched, s.scan_until(/'/)
p s.scan(/[^']+/), s.pos, s.charpos, s.pre_match, s.post_match, s.peek(3), s.eos?, s.bol?, s.rest_size
p s.match?(/' (?<c>#)/), s[:c], s[0], s.captures, s.exist?(/next/), s.skip_until(/\n/), s.bol?, s.rest
s.unscan
p s.pos, s.check_until(/e/), s.terminate.eos?, s.scan(/x/), s.matched, s.inspect
s.string = "ab"
p s.scan("a"), s.getch, s.getch, s.inspect
s.reset
s.pos = 1
p s.rest
begin
  s.pos = 9
rescue RangeError => e
  p e.message
end

class Numbers < DelegateClass(Array)
  def double = map { |n| n * 2 }
end
p Numbers.new([1, 2]).double, Numbers.new([3]).size

p Encoding.find("utf-8"), Encoding.find("binary"), Encoding::UTF_8.dummy?, Encoding::UTF_8.ascii_compatible?
begin
  Encoding.find("nope")
rescue ArgumentError => e
  p e.message
end
p Random.urandom(3).size, File::BINARY

p CGI.escape("a b&c=é/~*x"), CGI.unescape("a+b%26c%3D%C3%A9"), CGI.escapeHTML("<a href='x'>\"&</a>")
p CGI.unescapeHTML("&lt;&amp;&#39;&#x41;&quot;&nope;")
