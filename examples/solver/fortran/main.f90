! A line of gas with a hot spot: diffusion and reactions in turn, threads by OpenMP.  main CELLS STEPS FINGERPRINT
program hot_spot
  use, intrinsic :: iso_c_binding
  use chemistry_h2_module
  implicit none
  real(c_double), parameter :: dt = 1d-6, longest = 2.5d-6, spacing = 5d-5, diffusivity = 5d-4, atmosphere = 101325
  real(c_double), parameter :: share = diffusivity * dt / spacing**2
  integer, parameter :: piece = 128   ! cells of a call: enough to fill the vectors, few enough to share out
  character(4), parameter :: names(species) = &
      [character(4) :: 'H2', 'H', 'O', 'O2', 'OH', 'H2O', 'HO2', 'H2O2', 'AR', 'N2']
  real(c_double), allocatable :: t(:), y(:, :), moved_t(:), moved_y(:, :), p(:), steps_of(:)
  integer(c_signed_char), allocatable :: status(:)
  character(64) :: word
  integer(c_long) :: begin, end, rate
  integer :: cells, steps, step, first, last, failed, doubted

  call get_command_argument(1, word)
  read (word, *) cells
  call get_command_argument(2, word)
  read (word, *) steps
  call get_command_argument(3, word)
  failed = check(word, names)
  if (failed /= 0) error stop message(failed)

  allocate (t(cells), y(species, cells), moved_t(cells), moved_y(species, cells), status(cells))
  allocate (p(cells), source=atmosphere)
  allocate (steps_of(cells), source=dt)
  open (10, file='start', access='stream')
  read (10) t, y

  doubted = 0
  call system_clock(begin, rate)
  do step = 1, steps
    call diffuse(1, t, moved_t)
    call diffuse(species, y, moved_y)
    !$omp parallel do private(last, failed) schedule(static)
    do first = 1, cells, piece
      last = min(first + piece - 1, cells)
      failed = advance(moved_t(first:last), p(first:last), moved_y(:, first:last), steps_of(first:last), longest, &
          t(first:last), y(:, first:last), status(first:last))
      if (failed /= 0) error stop 'the surrogate refused a call'
    end do
    doubted = doubted + count(status > 1)
  end do
  call system_clock(end)
  print '(f6.2, a, i0, a, i0, a)', 1d6 * (end - begin) / rate / cells / steps, ' us a cell and step; ', doubted, ' of ', &
      cells * steps, ' answers in doubt'
  open (11, file='end', access='stream')
  write (11) t, y

contains

  ! One time step; nothing leaves at the ends.
  subroutine diffuse(width, from, to)
    integer, intent(in) :: width
    real(c_double), intent(in) :: from(width, cells)
    real(c_double), intent(out) :: to(width, cells)
    real(c_double) :: flow(width)
    integer :: cell
    to = from
    do cell = 1, cells - 1
      flow = share * (from(:, cell + 1) - from(:, cell))
      to(:, cell) = to(:, cell) + flow
      to(:, cell + 1) = to(:, cell + 1) - flow
    end do
  end subroutine
end program
