# What Vagrantfiles use of Vagrant beyond configuring: errors, platform tests, user interface, utilities.
# Read when something of it is first referred to.

module Vagrant
  module Errors
    class VagrantError < StandardError
      class << self
        def error_message(text = nil)
          define_method(:error_message) { text } if text
        end

        def error_key(key = nil, namespace = nil)
          define_method(:error_key) { key } if key
          error_namespace(namespace) if namespace
        end

        def error_namespace(namespace = nil)
          define_method(:error_namespace) { namespace } if namespace
        end

        def status_code(code = nil)
          define_method(:status_code) { code } if code
        end

        def const_missing(name)
          Errors.const_missing(name)
        end
      end

      attr_accessor :extra_data

      # A text that comes along is not what the error says: `error_message` is, or what its key stands for.
      def initialize(*args)
        key = args.first.is_a?(Symbol) ? args.shift : error_key
        @extra_data = args.first.is_a?(Hash) ? args.shift : {}
        super(key ? I18n.t("#{error_namespace}.#{key}") : error_message)
      end

      def error_message
        "No error message"
      end

      def error_namespace
        "vagrant.errors"
      end

      def error_key
        nil
      end

      def status_code
        1
      end
    end

    # Those that Vagrant raises itself: yado says with each what it has to say.
    class Own < VagrantError
      def initialize(*args)
        @text = args.shift if args.first.is_a?(String)
        super(*args)
      end

      def error_message
        return @text if @text
        extra_data.empty? ? self.class.name : "#{self.class.name}: #{extra_data.inspect}"
      end
    end
    private_constant :Own

    class CommandUnavailable < VagrantError
      def error_message
        "The executable '#{extra_data[:file]}' Vagrant is trying to run was not\nfound in the PATH variable. This is an error. Please verify\nthis software is installed and on the path."
      end
    end

    def self.const_missing(name)
      const_set(name, Class.new(Own))
    end
  end

  module Util
    module Platform
      class << self
        def windows?; false; end
        def darwin?; RUBY_PLATFORM.include?("darwin"); end
        def linux?; !darwin?; end
        def cygwin?; false; end
        def msys?; false; end
        def solaris?; false; end
        def wsl?; false; end
        def wsl_windows_access?; false; end
        def freebsd?; false; end
        def bsd?; false; end
        def wsl_windows_access_bypass?(_path); false; end
        def wsl_drvfs_path?(_path); false; end
        def wsl_path?(_path); false; end
        def windows_admin?; missing_program("cmd.exe"); end
        def windows_hyperv_admin?; missing_program("cmd.exe"); end
        def windows_hyperv_enabled?; missing_program("cmd.exe"); end
        def windows_unc_path(path); "\\\\?\\" + path.gsub("/", "\\"); end
        def platform; RbConfig::CONFIG["host_os"].downcase; end
        def fs_case_sensitive?; true; end
        def fs_real_path(path, **_options); Pathname.new(File.expand_path(path)); end
        def terminal_supports_colors?; true; end
        def systemd?; File.directory?("/run/systemd/system"); end
        def cygwin_path(_path); missing_program("cygpath"); end
        def cygwin_windows_path(path, **_options); path; end
        def format_windows_path(path, *_options); path; end
        def unix_windows_path(path); path.gsub("\\", "/"); end
        def windows_path(path, *_options); path; end
        def wsl_to_windows_path(path); path; end
        def wsl_init(*_arguments); end
        def reset!; end

        private

        # What Vagrant runs into when it asks Windows elsewhere.
        def missing_program(name)
          raise Errors::CommandUnavailable, file: name
        end
      end
    end

    module Which
      def self.which(command, **_options)
        return command if command.include?("/") && File.executable?(command)
        (ENV["PATH"] || "").split(File::PATH_SEPARATOR).each do |folder|
          candidate = File.join(folder, command)
          return candidate if File.file?(candidate) && File.executable?(candidate)
        end
        nil
      end
    end

    module DeepMerge
      def self.deep_merge(older, newer)
        newer = newer.nil? ? {} : newer
        older.merge(newer) do |_key, a, b|
          a.is_a?(Hash) && b.is_a?(Hash) ? deep_merge(a, b) : b
        end
      end
    end

    class HashWithIndifferentAccess < Hash
      def initialize(hash = {}, &block)
        super(&block)
        hash.each { |key, value| self[key] = value }
      end

      def [](key); super(convert_key(key)); end
      def []=(key, value); super(convert_key(key), value); end
      def fetch(key, *rest, &block); super(convert_key(key), *rest, &block); end
      def key?(key); super(convert_key(key)); end
      def delete(key); super(convert_key(key)); end
      alias include? key?
      alias has_key? key?

      private

      def convert_key(key)
        key.is_a?(Symbol) ? key.to_s : key
      end
    end

    class Subprocess
      class Result
        attr_reader :exit_code, :stdout, :stderr

        def initialize(exit_code, stdout, stderr)
          @exit_code, @stdout, @stderr = exit_code, stdout, stderr
        end
      end

      def self.execute(*command, &block)
        new(*command).execute(&block)
      end

      def initialize(*command)
        @options = command.last.is_a?(Hash) ? command.pop : {}
        @command = command.dup
        @command[0] = Which.which(@command[0]) || raise(Errors::CommandUnavailable, file: command.first)
      end

      # The block gets each stream that was asked for, once the program has ended.
      def execute
        require "open3"
        places = {}
        places[:chdir] = @options[:workdir] if @options[:workdir]
        stdout, stderr, status = Open3.capture3(*[@options[:env]].compact, *@command, **places)
        if block_given?
          wanted = Array(@options[:notify])
          yield :stdout, stdout if wanted.include?(:stdout) && !stdout.empty?
          yield :stderr, stderr if wanted.include?(:stderr) && !stderr.empty?
        end
        Result.new(status.exitstatus, stdout, stderr)
      end
    end

    module Experimental
      def self.enabled?
        !ENV["VAGRANT_EXPERIMENTAL"].to_s.empty? && ENV["VAGRANT_EXPERIMENTAL"] != "0"
      end

      def self.global_enabled?
        ENV["VAGRANT_EXPERIMENTAL"] == "1"
      end

      def self.feature_enabled?(feature)
        list = ENV["VAGRANT_EXPERIMENTAL"].to_s.downcase.split(",").map(&:strip)
        list.include?("1") || list.include?(feature.to_s.strip)
      end
    end

    # Parts of Vagrant's own machinery: they are there to be named.
    PARTS = %i[
      Busy CredentialScrubber CurlHelper Directory InstallCLIAutocomplete Keypair LineBuffer MapCommandOptions
      PowerShell SafeChdir SafeEnv SafeExec SSH StringBlockEditor TemplateRenderer Uploader
    ].freeze
    private_constant :PARTS
    PARTS.each { |name| const_set(name, Class.new) }
    %i[
      ANSIEscapeCodeRemover Caps CommandDeprecation Counter GuestHosts GuestInspection IPv4Interfaces LineEndingHelpers
      Mime Remote SafePuts ScopedHashOverride StackedProcRunner WindowsPath
    ].each { |name| const_set(name, Module.new) }

    # The methods of the small helpers that Vagrantfiles borrow.
    module IsPortOpen
      def is_port_open?(host, port)
        require "socket"
        TCPSocket.new(host, port).close
        true
      rescue SystemCallError
        false
      end
    end

    module NetworkIP
      def network_address(address, netmask)
        require "ipaddr"
        IPAddr.new("#{address}/#{netmask}").to_s
      end
    end

    module Presence
      def presence(value); present?(value) ? value : false; end

      def present?(value)
        case value
        when NilClass, FalseClass then false
        when String, Symbol then !value.to_s.strip.empty?
        when Array then !value.compact.empty?
        when Hash then !value.empty?
        else true
        end
      end
      module_function :presence, :present?
    end

    module Retryable
      def retryable(options = nil)
        options = { tries: 1, on: StandardError, sleep: 0 }.merge(options || {})
        begin
          yield
        rescue *Array(options[:on])
          options[:tries] -= 1
          raise unless options[:tries] > 0
          retry
        end
      end
    end

    module ShellQuote
      def self.escape(text, quote); text.gsub(quote) { "#{quote}\\#{quote}#{quote}" }; end
    end

    class FileMode
      def self.from_octal(text); text.to_s(8)[-4..-1].gsub(/^0+/, ""); end
    end

    class Numeric
      UNITS = { KB: 1 << 10, MB: 1 << 20, GB: 1 << 30, TB: 1 << 40 }.freeze

      def self.string_to_bytes(text)
        found = text.to_s.match(/\A(?<number>[0-9]+)\s?(?<unit>KB|MB|GB|TB)\z/) or return nil
        found[:number].to_i * UNITS[found[:unit].to_sym]
      end

      def self.bytes_to_string(bytes)
        unit, size = UNITS.to_a.reverse.find { |_, size| bytes >= size }
        return "#{bytes} #{bytes == 0 ? 'byte' : 'bytes'}" unless unit
        "#{format('%.2f', bytes / size.to_f).sub(/\.?0+\z/, '')}#{unit}"
      end

      def self.bytes_to_megabytes(bytes); (bytes / UNITS[:MB].to_f).round(2); end
      def self.reset!; end
    end

    module Env
      def self.with_clean_env; yield; end
      def self.with_original_env; yield; end
    end

    module SilenceWarnings
      def self.silence!; yield; end
    end

    class Downloader
      def initialize(source, destination, **_options)
        @source, @destination = source, destination
      end

      def download!
        raise Errors::DownloaderError, "'#{@source}' cannot be downloaded while the configuration is read."
      end
    end
  end

  module UI
    class Interface
      attr_accessor :opts, :stdin, :stdout, :stderr

      def initialize(*_arguments)
        @opts = {}
      end

      %i[detail info output success warn error].each do |level|
        define_method(level) do |message = nil, **_options|
          say(level, message)
        end
      end

      def say(level, message = nil, **_options)
        stream = %i[warn error].include?(level) ? $stderr : $stdout
        stream.puts(message.to_s)
        nil
      end

      def ask(*_arguments, **_options)
        raise Errors::UIExpectsTTY, "Vagrant is attempting to interface with the UI in a way that requires\na TTY. Most actions in Vagrant that require a TTY have configuration\nswitches to disable this requirement. Please do that or run Vagrant\nwith TTY."
      end

      def color?; is_a?(Colored); end
      def to_proxy; self; end
      def machine(*_arguments); end
      def report_progress(*_arguments); end
      def clear_line; end
      def rewriting; yield self; end
    end

    class Silent < Interface
      def say(*_arguments, **_options); nil; end
    end

    class Basic < Interface; end
    class NonInteractive < Basic; end
    class MachineReadable < Interface; end
    class Colored < Basic; end
    class Prefixed < Interface
      def initialize(ui = nil, prefix = nil, **_options)
        super()
        @ui, @prefix = ui, prefix
      end

      def say(level, message = nil, **_options)
        message.to_s.each_line { |line| super(level, "==> #{@prefix}: #{line.chomp}") }
        nil
      end
    end
  end

  module Plugin
    class Manager
      def self.instance
        @instance ||= new
      end

      def installed_plugins; {}; end
      def installed_specs; []; end
      def plugin_installed?(*_arguments); false; end
      def globalize!(*_arguments); {}; end
      def localize!(*_arguments); {}; end

      def install_plugin(name, **_options)
        raise Errors::PluginGemNotFound, "The plugin '#{name}' cannot be installed: yado has no use for plugins of Vagrant."
      end
    end

    module V2
      class Trigger; end
    end
  end

  module Action
    # Vagrant's own steps. yado has others, so that what hooks into these, or is written over them, is never called; it
    # can be written, though. All are there from the start, since `class A::B` finds only what is there.
    module Steps
      def steps(*names)
        names.each do |name|
          const_set(name, Class.new do
            def initialize(app, env, *_arguments); @app = app; end
            def call(env); @app.call(env); end
            def recover(env); end
          end)
        end
      end
    end

    module Builtin
      extend Steps
      steps :BoxAdd, :BoxCheckOutdated, :BoxRemove, :BoxUpdate, :Call, :CleanupDisks, :CloudInitSetup, :CloudInitWait,
            :ConfigValidate, :Confirm, :Delayed, :DestroyConfirm, :Disk, :EnvSet, :GracefulHalt, :HandleBox,
            :HandleBoxUrl, :HandleForwardedPortCollisions, :HasProvisioner, :IsEnvSet, :IsState, :Lock, :Message,
            :PrepareClone, :Provision, :ProvisionerCleanup, :SSHExec, :SSHRun, :SetHostname, :SyncedFolderCleanup,
            :SyncedFolders, :Trigger, :WaitForCommunicator
      module MixinProvisioners; end
      module MixinSyncedFolders; end
    end

    module General
      extend Steps
      steps :Package, :PackageSetupFiles, :PackageSetupFolders
    end

    class Builder
      def self.build(*_arguments); new; end
      def use(*_arguments); self; end
      def insert(*_arguments); self; end
      def insert_before(*_arguments); self; end
      def insert_after(*_arguments); self; end
      def append(*_arguments); self; end
      def prepend(*_arguments); self; end
      def replace(*_arguments); self; end
      def delete(*_arguments); self; end
      def call(*_arguments); end
    end

    class Runner; end
    class Warden; end
    class Hook < Builder; end

  end

  class Environment
    DEFAULT_LOCAL_DATA = ".vagrant"
    DEFAULT_HOME = "~/.vagrant.d"

    attr_reader :cwd, :ui, :vagrantfile_name

    def initialize(options = nil)
      options = { cwd: nil, home_path: nil, ui_class: nil, vagrantfile_name: nil }.merge(options || {})
      @cwd = Pathname.new(options[:cwd] || ENV["VAGRANT_CWD"] || Dir.pwd).expand_path
      @home_path = options[:home_path]
      @ui = (options[:ui_class] || UI::Silent).new
      @vagrantfile_name = options[:vagrantfile_name]
      @local_data_path = options[:local_data_path]
    end

    def home_path; Pathname.new(@home_path || Vagrant.user_data_path); end

    # The folder of the nearest Vagrantfile, looking upwards.
    def root_path
      cwd.ascend.find { |folder| %w[Vagrantfile vagrantfile].any? { |name| folder.join(name).file? } }
    end

    def local_data_path
      return Pathname.new(@local_data_path) if @local_data_path
      root_path && Pathname.new(File.expand_path(ENV["VAGRANT_DOTFILE_PATH"] || DEFAULT_LOCAL_DATA, root_path.to_s))
    end
    alias dotfile_path local_data_path

    def boxes_path; home_path.join("boxes"); end
    def data_dir; home_path.join("data"); end
    def gems_path; home_path.join("gems"); end
    def tmp_path; home_path.join("tmp"); end
    def default_private_key_path; home_path.join("insecure_private_key"); end
    def active_machines; []; end
    def default_provider(**_options); (ENV["VAGRANT_DEFAULT_PROVIDER"] || "virtualbox").to_sym; end
  end

  class Machine; end
  class MachineState; end
  class Box; end
  class BatchAction; end
  class Registry; end
  class Guest; end
  class Host; end
  class Vagrantfile; end

  module Config
    def self.const_missing(name)
      const_set(name, Class.new)
    end
  end

  class QuietLogger
    %i[debug info warn error fatal].each do |level|
      define_method(level) { |*_arguments| true }
      define_method("#{level}?") { false }
    end
    attr_accessor :level, :outputters

    def add(*_arguments); true; end
  end

  def self.global_logger
    @global_logger ||= Log4r::Logger.new("vagrant")
  end

  def self.global_logger=(logger)
    @global_logger = logger
  end

  def self.source_root
    Pathname.new("/usr/share/vagrant")
  end

  def self.user_data_path
    Pathname.new(File.expand_path(ENV["VAGRANT_HOME"] || "~/.vagrant.d"))
  end

  def self.installed_version
    VERSION
  end

  def self.installer_embedded_dir; nil; end
  def self.strict_dependency_enforcement; true; end
  def self.log_level; "fatal"; end
  def self.server_url(_config = nil); ENV["VAGRANT_SERVER_URL"] || DEFAULT_SERVER_URL; end
end

module VagrantPlugins
  module ProviderVirtualBox
    class Provider; end
    class Config < Vagrant.plugin("2", :config); end

    module Driver
      class Meta
        def initialize(*_arguments)
          unless Vagrant::Util::Which.which("VBoxManage")
            raise Vagrant::Errors::VirtualBoxNotDetected, "Vagrant could not detect VirtualBox! Make sure VirtualBox is properly installed.\nVagrant uses the `VBoxManage` binary that ships with VirtualBox, and requires\nthis to be available on the PATH. If VirtualBox is installed, please find the\n`VBoxManage` binary and add it to the PATH environmental variable."
          end
        end

        def version
          require "open3"
          Open3.capture3("VBoxManage", "--version").first.strip[/\A[\d.]+/]
        end
      end

      class Base; end
      %w[4_0 4_1 4_2 4_3 5_0 5_1 5_2 6_0 6_1 7_0].each { |version| const_set("Version_#{version}", Class.new(Base)) }
    end

    module Action
      include Vagrant::Action::Builtin
      extend Vagrant::Action::Steps
      steps :Boot, :CheckAccessible, :CheckCreated, :CheckGuestAdditions, :CheckRunning, :CheckVirtualbox,
            :CleanMachineFolder, :ClearForwardedPorts, :ClearNetworkInterfaces, :Created, :Customize, :Destroy,
            :DestroyUnusedNetworkInterfaces, :DiscardState, :Export, :ForcedHalt, :ForwardPorts, :Import, :ImportMaster,
            :IsPaused, :IsRunning, :IsSaved, :MatchMACAddress, :MessageAlreadyRunning, :MessageNotCreated,
            :MessageNotRunning, :MessageWillNotDestroy, :Network, :NetworkFixIPv6, :Package, :PackageSetupFiles,
            :PackageSetupFolders, :PackageVagrantfile, :PrepareCloneSnapshot, :PrepareForwardedPortCollisionParams,
            :PrepareNFSSettings, :PrepareNFSValidIds, :Resume, :SaneDefaults, :SetDefaultNICType, :SetName,
            :SetupPackageFiles, :SnapshotDelete, :SnapshotRestore, :SnapshotSave, :Suspend
    end

    module Model
      class ForwardedPort; end
      class StorageController; end
      class StorageControllerArray; end
    end
  end

  module DockerProvider
    class Provider; end
  end

  module HyperV
    class Provider; end
  end

  module Shell
    class Provisioner < Vagrant.plugin("2", :provisioner); end
  end

  module FileUpload
    class Provisioner < Vagrant.plugin("2", :provisioner); end
  end

  module SyncedFolderNFS; end
  module SyncedFolderRSync; end
  module SyncedFolderSMB; end
  module CommunicatorSSH; end
  module CommunicatorWinRM; end
end

module I18n
  class << self
    def t(key, default: nil, **_data)
      default.is_a?(String) ? default : "translation missing: en.#{key}"
    end

    def translate(key, **data)
      t(key, **data)
    end

    def load_path
      @load_path ||= []
    end

    def reload!; end
    def backend; self; end
    def store_translations(*_arguments); end
    def locale; :en; end
    def locale=(name); end
    def default_locale; :en; end
    def enforce_available_locales=(flag); end
  end
end

module Log4r
  DEBUG, INFO, WARN, ERROR, FATAL, OFF = 1, 2, 3, 4, 5, 6

  class Logger < Vagrant::QuietLogger
    def initialize(*_arguments); end

    def self.[](_name)
      new
    end
  end

  class Outputter
    attr_accessor :level, :formatter

    def self.[](_name); new; end
    def self.stdout; new; end
    def self.stderr; new; end
  end

  module Log4rConfig
    LogLevels = %w[DEBUG INFO WARN ERROR FATAL].freeze
  end

  class StdoutOutputter < Outputter; end
  class StderrOutputter < Outputter; end
  class FileOutputter < Outputter; end
  class PatternFormatter; end
end
