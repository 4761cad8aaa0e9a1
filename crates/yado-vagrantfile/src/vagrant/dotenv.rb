# `.env` files, for `config.env.enable`: what stands in them is in ENV afterwards, unless it was there before.
# Read when a Vagrantfile asks for it.

module Vagrant
  module EnvironmentFiles
    ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.]*)[ \t]*=[ \t]*('[^']*'|"(?:\\.|[^"\\])*"|[^#\r\n]*)/m

    def self.load(project, names)
      names = [".env"] if names.empty?
      names.each do |name|
        path = File.expand_path(name.to_s, project)
        next unless File.file?(path)
        parse(File.read(path)).each { |key, value| ENV[key] = value unless ENV.key?(key) }
      end
    end

    def self.parse(text)
      found = {}
      text.scan(ASSIGNMENT) { |key, value| found[key] = value_of(value.strip, found) }
      found
    end

    def self.value_of(written, found)
      return written[1..-2] if written.start_with?("'")
      if written.start_with?('"')
        written = written[1..-2].gsub(/\\([nrt"\\])/) do
          { "n" => "\n", "r" => "\r", "t" => "\t" }.fetch($1, $1)
        end
      end
      written.gsub(/\$(?:\{(\w+)\}|([A-Za-z_]\w*))/) { ENV[$1 || $2] || found[$1 || $2] || "" }
    end
  end
end
