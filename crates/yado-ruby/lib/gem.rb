# RubyGems: versions and requirements.
module Gem
  VERSION = "3.3.26"
  class LoadError < ::LoadError; end
  class MissingSpecError < Gem::LoadError; end

  class Version
    include Comparable
    VERSION_PATTERN = '[0-9]+(?>\.[0-9a-zA-Z]+)*(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?'
    ANCHORED_VERSION_PATTERN = /\A\s*(#{VERSION_PATTERN})?\s*\z/

    def self.correct?(version) = YadoNative.version?(version.to_s)
    def self.create(version) = version.nil? || version.is_a?(Version) ? version : new(version)

    def initialize(version)
      @version = version.to_s.strip
      raise ArgumentError, "Malformed version number string #{version}" unless YadoNative.version?(@version)
      @version = "0" if @version.empty?
    end

    attr_reader :version
    alias to_s version
    def <=>(other) = other.is_a?(String) || other.is_a?(Version) ? YadoNative.version_compare(@version, other.to_s) : nil
    def eql?(other) = other.is_a?(Version) && to_s == other.to_s
    def hash = segments.hash
    def segments = @version.gsub("-", ".pre.").scan(/[0-9]+|[a-z]+/i).map { |part| part.match?(/\A\d/) ? part.to_i : part }
    def canonical_segments = segments.reverse.drop_while { |part| part == 0 }.reverse
    def prerelease? = @version.match?(/[a-zA-Z]/)
    def release = Version.new(YadoNative.version_release(@version))
    def bump = Version.new(YadoNative.version_bump(@version))
    def approximate_recommendation = "~> #{segments.first(2).join(".")}"
    def inspect = "#<Gem::Version #{@version.inspect}>"
  end

  class Requirement
    class BadRequirementError < ArgumentError; end
    def self.create(*parts) = parts.first.is_a?(Requirement) ? parts.first : new(*parts)
    def self.default = new(">= 0")

    def initialize(*parts)
      @parts = parts.flatten.compact.map(&:to_s)
      @parts = [">= 0"] if @parts.empty?
      @parts.each { |part| YadoNative.version_allows(part, "0") }
    end

    def satisfied_by?(version) = @parts.all? { |part| YadoNative.version_allows(part, version.to_s) }
    alias === satisfied_by?
    alias =~ satisfied_by?
    def requirements = @parts.map { |part| [part[/\A[~<>=!]+/] || "=", Version.new(part.sub(/\A[~<>=!]+\s*/, ""))] }
    def as_list = requirements.map { |operator, version| "#{operator} #{version}" }
    def to_s = as_list.join(", ")
    def ==(other) = other.is_a?(Requirement) && as_list.sort == other.as_list.sort
  end

  class Dependency
    attr_reader :name, :requirement
    def initialize(name, *requirements)
      @name = name
      @requirement = Requirement.new(*requirements)
    end
    def match?(name, version) = @name == name && requirement.satisfied_by?(version)
    alias =~ match?
    def to_s = "#{name} (#{requirement})"
  end

  class Specification
    attr_reader :name, :version
    def initialize(name, version) = (@name, @version = name, Version.new(version))
    def full_name = "#{name}-#{version}"

    def self.find_by_name(name, *)
      Gem.loaded_specs[name] || raise(MissingSpecError, "Could not find '#{name}' among #{Gem.loaded_specs.size} total gem(s)")
    end
    def self.find_all_by_name(name, *) = [Gem.loaded_specs[name]].compact
    def self.stubs = Gem.loaded_specs.values
    def self.each(&block) = Gem.loaded_specs.values.each(&block)
  end

  def self.win_platform? = false
  # The gems that are there: whoever runs the interpreter names them, with their versions.
  def self.loaded_specs
    @loaded_specs ||= (defined?(YadoNative::GEMS) ? YadoNative::GEMS : []).to_h { |name, version| [name, Specification.new(name, version)] }
  end
  def self.ruby_version = Version.new(RUBY_VERSION)
  def self.path = []
end
